/**
 * The cases of `faults.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../../support/conformance-suite.ts';
import { faultsSuite } from './faults.ts';

describe.each(backends)('net, faults, on %s', (backend) => {
  faultsSuite.define(backend);
});
