/**
 * Opening files, on every backend. The cases are in `file-open.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { openSuite } from './file-open.ts';

describe.each(backends)('File.open on %s', (backend) => {
  openSuite.define(backend);
});
