/**
 * The cases of `server.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../../support/conformance-suite.ts';
import { serverSuite } from './server.ts';

describe.each(backends)('net, server, on %s', (backend) => {
  serverSuite.define(backend);
});
