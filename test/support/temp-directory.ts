/**
 * A directory of a test's own under the system's temporary one, removed when the test is over,
 * however it ends. Call it inside a test or a `ringTest`.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Makes the directory and returns its path. */
export function tempDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'onering-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
