/**
 * Reading and writing files, on every backend. The cases are in `file-transfer.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { transferSuite } from './file-transfer.ts';

describe.each(backends)('File on %s', (backend) => {
  transferSuite.define(backend);
});
