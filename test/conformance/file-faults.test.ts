/**
 * Disks and files that change under an operation, on every backend. The cases are in
 * `file-faults.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { faultSuite } from './file-faults.ts';

describe.each(backends)('files under faults on %s', (backend) => {
  faultSuite.define(backend);
});
