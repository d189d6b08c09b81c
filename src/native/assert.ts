/**
 * Assertions for what only a bug can cause. They stay on in production: each is one comparison.
 * Bad arguments and failed system calls are not their business; those get errors with a `code`.
 */

/** Throws unless the condition holds. `message` states the invariant. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}

/** For the end of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new Error(`Assertion failed: ${String(value)} is not reachable`);
}
