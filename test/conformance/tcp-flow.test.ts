/**
 * The cases of `tcp-flow.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { flowSuite } from './tcp-flow.ts';

describe.each(backends)('TCP data on %s', (backend) => {
  flowSuite.define(backend);
});
