/** What is wrong with one member of a JSON document. */
export interface Fault {
  /** Where: `redirect_uris[1]`. Empty for the document as a whole. */
  field: string;
  message: string;
}

/** Reads the members of a JSON object by kind and collects every fault, so that a caller hears of all at once. */
export interface MemberReader {
  readonly faults: Fault[];
  fault(field: string, message: string): void;
  text(name: string): string | undefined;
  flag(name: string, fallback: boolean): boolean;
  /** One of `allowed`. A fault is recorded, and `fallback` answered, where it is anything else. */
  choice<T extends string>(name: string, allowed: readonly T[], fallback: T): T;
  /** A list of strings without repeats; undefined when absent. Members of another kind are faults. */
  texts(name: string): string[] | undefined;
  /** Names every member that is not in `known`. */
  refuseUnknown(known: readonly string[]): void;
}

export function createMemberReader(input: Record<string, unknown>): MemberReader {
  const faults: Fault[] = [];
  const fault = (field: string, message: string) => void faults.push({ field, message });
  const read = (name: string) => (Object.hasOwn(input, name) ? input[name] : undefined);
  return {
    faults,
    fault,
    text(name) {
      const value = read(name);
      if (value === undefined || typeof value === 'string') return value;
      fault(name, 'must be a string');
      return undefined;
    },
    flag(name, fallback) {
      const value = read(name);
      if (typeof value === 'boolean') return value;
      if (value !== undefined) fault(name, 'must be true or false');
      return fallback;
    },
    choice(name, allowed, fallback) {
      const value = read(name);
      const found = allowed.find((candidate) => candidate === value);
      if (value !== undefined && found === undefined) fault(name, `must be one of ${allowed.join(', ')}`);
      return found ?? fallback;
    },
    texts(name) {
      const value = read(name);
      if (value === undefined) return undefined;
      if (!Array.isArray(value)) {
        fault(name, 'must be a list of strings');
        return undefined;
      }
      return readTexts(name, value, fault);
    },
    refuseUnknown(known) {
      for (const name of Object.keys(input)) if (!known.includes(name)) fault(name, 'is not a known member');
    },
  };
}

function readTexts(
  name: string,
  values: unknown[],
  fault: (field: string, message: string) => void,
): string[] {
  const texts: string[] = [];
  for (const [index, value] of values.entries()) {
    if (typeof value !== 'string') fault(`${name}[${index}]`, 'must be a string');
    else if (texts.includes(value)) fault(`${name}[${index}]`, 'is there twice');
    else texts.push(value);
  }
  return texts;
}
