/**
 * The cases of `file-random.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { randomSuite } from './file-random.ts';

describe.each(backends)('Files at random on %s', (backend) => {
  randomSuite.define(backend);
});
