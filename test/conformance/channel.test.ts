/**
 * The cases of `channel.ts`, on every backend.
 */

import { describe } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { channelSuite } from './channel.ts';

describe.each(backends)('Channel on %s', (backend) => {
  channelSuite.define(backend);
});
