/**
 * The cases of `tcp-socket.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { socketSuite } from './tcp-socket.ts';

describe.each(backends)('TCP sockets on %s', (backend) => {
  socketSuite.define(backend);
});
