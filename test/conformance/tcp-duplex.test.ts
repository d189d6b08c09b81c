/**
 * The cases of `tcp-duplex.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { duplexSuite } from './tcp-duplex.ts';

describe.each(backends)('TCP as a Duplex on %s', (backend) => {
  duplexSuite.define(backend);
});
