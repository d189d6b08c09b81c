/**
 * The cases of `socket.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../../support/conformance-suite.ts';
import { socketSuite } from './socket.ts';

describe.each(backends)('net.Socket on %s', (backend) => {
  socketSuite.define(backend);
});
