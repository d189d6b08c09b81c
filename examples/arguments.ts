/**
 * Arguments of the examples: `--name value` pairs, each with a default.
 */

/** Reads the command line; an argument that is not known ends the program. */
export function readArguments<T extends Record<string, string>>(defaults: T): T {
  const values: Record<string, string> = { ...defaults };
  const words = process.argv.slice(2);
  for (let at = 0; at < words.length; at += 2) {
    const name = words[at]?.replace(/^--/, '') ?? '';
    const value = words[at + 1];
    if (!(name in defaults) || value === undefined) {
      const usage = Object.keys(defaults).map((known) => `--${known} VALUE`);
      console.error(`usage: ${usage.join(' ')}`);
      process.exit(1);
    }
    values[name] = value;
  }
  return values as T;
}
