/** Makes one immutable value of each list of words, and hands the same one to all who ask with these words. */
export function createIntern<Value>(
  make: (words: readonly string[]) => Value,
  most = 10_000,
): (words: readonly string[]) => Value {
  const known = new Map<string, Value>();
  return (words) => {
    const name = words.join(' ');
    const before = known.get(name);
    if (before !== undefined) return before;
    const value = make(words);
    // Beyond that they are not shared but still right: nobody can fill the memory with lists of his own.
    if (known.size < most) known.set(name, value);
    return value;
  };
}
