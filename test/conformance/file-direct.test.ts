/**
 * Opening files, on every backend. The cases are in `file-direct.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { directSuite } from './file-direct.ts';

describe.each(backends)('File.open on %s', (backend) => {
  directSuite.define(backend);
});
