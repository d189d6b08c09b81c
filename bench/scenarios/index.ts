/**
 * All scenarios, in the order in which they run: what most people came for first.
 */

import type { Scenario } from '../scenario.ts';
import { channel } from './channel.ts';
import { echo, echoLarge, echoRate, rtt } from './echo.ts';
import { http } from './http.ts';
import { nop } from './nop.ts';
import {
  log,
  poll,
  read,
  readDirect,
  readFile,
  readRate,
  sequential,
  smallFiles,
} from './storage.ts';
import { nopResources, pressure, sendZc, timers, wait } from './runtime.ts';
import { accept, paused, sink, udp } from './streams.ts';

export const scenarios: readonly Scenario[] = [
  read,
  readDirect,
  sequential,
  smallFiles,
  log,
  readFile,
  readRate,
  poll,
  echo,
  echoLarge,
  rtt,
  echoRate,
  sink,
  accept,
  paused,
  udp,
  http,
  nop,
  nopResources,
  wait,
  pressure,
  timers,
  channel,
  sendZc,
];
