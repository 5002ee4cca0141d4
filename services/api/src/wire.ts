/** Names at the edge are snake_case, inside the same words in camelCase. */
type Camel<Name extends string> = Name extends `${infer Head}_${infer Rest}`
  ? `${Head}${Capitalize<Camel<Rest>>}`
  : Name;

export type FromWire<T> = { [Name in keyof T as Name extends string ? Camel<Name> : never]: T[Name] };

const toCamel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const toSnake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A validated object of one level, renamed. */
export function fromWire<T extends object>(value: T): FromWire<T> {
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [toCamel(name), field]),
  ) as FromWire<T>;
}

/** A record of one level, renamed, instants as ISO 8601. */
export function toWire(record: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([name, field]) => [
      toSnake(name),
      field instanceof Date ? field.toISOString() : field,
    ]),
  );
}

/** Without the fields that were left out. */
export function defined<T extends object>(value: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}
