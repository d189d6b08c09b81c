/**
 * Files over time, on every backend. The cases are in `file-life.ts`.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { lifeSuite } from './file-life.ts';

describe.each(backends)('File, its life, on %s', (backend) => {
  lifeSuite.define(backend);
});
