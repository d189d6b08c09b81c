/**
 * Whole files, on every backend. The cases are in `file-whole.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { wholeSuite } from './file-whole.ts';

describe.each(backends)('Whole files on %s', (backend) => {
  wholeSuite.define(backend);
});
