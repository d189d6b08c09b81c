/**
 * What a promise or a function fails with, as a value: for comparing the errors of two
 * implementations field by field.
 */

import { expect } from 'vitest';

/** The fields of Node's errors. */
export interface NodeError extends Error {
  readonly code?: string;
  readonly errno?: number;
  readonly syscall?: string;
  readonly path?: string;
  readonly address?: string;
  readonly port?: number;
}

/** Waits for the rejection; a promise that resolves, or rejects with no error, fails the test. */
export async function rejectionOf(promise: Promise<unknown>): Promise<NodeError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  );
  expect(outcome, 'a rejection').toHaveProperty('reason');
  expect(outcome, 'a rejection').toHaveProperty('reason', expect.any(Error));
  return (outcome as { reason: NodeError }).reason;
}

/** Everything that a program may look at, for `toEqual`. */
export function fieldsOf(error: NodeError): Record<string, unknown> {
  const { name, message, code, errno, syscall, path, address, port } = error;
  return { name, message, code, errno, syscall, path, address, port };
}

/** Asserts that both fail, with the same error in every field. */
export async function expectSameRejection(
  ours: Promise<unknown>,
  nodes: Promise<unknown>,
): Promise<void> {
  const [mine, reference] = await Promise.all([rejectionOf(ours), rejectionOf(nodes)]);
  expect(fieldsOf(mine)).toEqual(fieldsOf(reference));
}
