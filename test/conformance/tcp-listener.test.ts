/**
 * The cases of `tcp-listener.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { listenerSuite } from './tcp-listener.ts';

describe.each(backends)('TCP listeners on %s', (backend) => {
  listenerSuite.define(backend);
});
