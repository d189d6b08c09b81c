/**
 * The cases of `tcp-random.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { randomSuite } from './tcp-random.ts';

describe.each(backends)('TCP at random on %s', (backend) => {
  randomSuite.define(backend);
});
