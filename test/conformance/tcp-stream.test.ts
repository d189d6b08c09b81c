/**
 * The cases of `tcp-stream.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { streamSuite } from './tcp-stream.ts';

describe.each(backends)('TCP streams on %s', (backend) => {
  streamSuite.define(backend);
});
