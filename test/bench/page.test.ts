/**
 * The page of `onering bench --html`, made from results of the test's own and opened in a real
 * browser: Chromium, headless, without a network. Where there is none the test says so.
 *
 * 1. The page is opened at 360 px, dark, and at 1000 px, light.
 * 2. Every chart has a canvas that something was drawn on, and nobody complained.
 * 3. Nothing makes the page scroll sideways.
 */

import { accessSync, constants, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { makePage } from '../../bench/page/page.ts';
import type { CaseResult, Result, Series } from '../../bench/result.ts';
import type { Family, Sample } from '../../bench/scenario.ts';
import { tempDirectory } from '../support/temp-directory.ts';

const TIMEOUT_MS = 60_000;
const MISSING = findChromium() === null ? ' (skipped: install chromium, or set CHROMIUM_PATH)' : '';
const NARROW = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } as const;
const WIDE = { viewport: { width: 1000, height: 800 }, colorScheme: 'light' } as const;

function sample(value: number): Sample {
  const micros = 1e6 / value;
  return {
    value,
    cpuMicrosPerOperation: micros,
    latencyMicros: { p50: micros, p90: 2 * micros, p99: 5 * micros, p999: 9 * micros, max: 99 },
    switchesPerOperation: 0.01,
    syscallsPerOperation: null,
    peakBytes: 5e7,
    timerLateMicros: { p50: 100, p90: 200, p99: 900, p999: 999, max: 1000 },
    extras: {},
    problem: null,
  };
}

function series(name: string, family: Family, values: readonly number[]): Series {
  const samples = values.map(sample);
  return { name, family, samples, failure: null, syscallsPerOperation: 1, isAgain: false };
}

function caseOf(title: string, group: CaseResult['group'], percent: number | null): CaseResult {
  return {
    scenario: 'work',
    group,
    title,
    unit: 'reads/s',
    better: 'more',
    baselines: ['node'],
    load: percent === null ? null : { curve: 'echo', percent },
    series: [
      series('node', 'node', [10_000, 11_000, 12_000]),
      series('onering with a rather long name', 'onering', [90_000, 95_000, 99_000]),
      series('c', 'c', [120_000, 121_000, 125_000]),
    ],
  };
}

function resultOf(cases: readonly CaseResult[]): Result {
  return {
    format: 1,
    command: 'onering bench --quick </script><b>',
    startedAt: '2026-01-02T03:04:05.000Z',
    environment: ['Linux', `a long list of features ${'feature '.repeat(40)}`],
    settings: {
      size: 'quick',
      rounds: 3,
      seconds: 1,
      warmupSeconds: 0.2,
      serverWarmupSeconds: 0.2,
      depths: [],
      connections: [],
      messageSize: null,
      busyWaitMicros: 50,
      spins: false,
      only: [],
      against: [],
      directory: '/tmp',
    },
    notes: [],
    isInterrupted: false,
    cases,
  };
}

const failed: Series = { ...series('deno', 'deno', []), failure: 'deno has failed: <no luck>' };
const storage = caseOf('4 KiB random reads, page cache, 32 at a time', 'storage', null);
const everything = resultOf([
  { ...storage, series: [...storage.series, failed] },
  caseOf('TCP echo at 25 %', 'sockets', 25),
  caseOf('TCP echo at 50 %', 'sockets', 50),
]);

describe('makePage', () => {
  it('carries everything in one file, and nothing that ends its own elements', () => {
    const page = makePage(everything);
    expect(page).not.toMatch(/<(script|link|img)[^>]+(src|href)=/);
    expect(page.match(/<\/script>/g)).toHaveLength(3);
    expect(page).toContain('Chart.js');
    expect(page).toContain('Permission is hereby granted');
    expect(page).toContain('failed: deno has failed: &lt;no luck&gt;');
  });
});

describe.skipIf(findChromium() === null)(`the page in a browser${MISSING}`, () => {
  const executable = findChromium() ?? '';
  it.each([
    ['a phone, dark', NARROW],
    ['a window, light', WIDE],
  ])(
    'draws its charts on %s',
    async (_what, options) => {
      const path = join(tempDirectory(), 'page.html');
      writeFileSync(path, makePage(everything));
      await using browser = await open(executable);
      const page = await browser.newPage(options);
      const complaints: string[] = [];
      page.on('console', (message) => void complaints.push(message.text()));
      page.on('pageerror', (error) => void complaints.push(error.message));
      page.on('request', (request) => void complaints.push(...foreign(request.url())));
      await page.goto(pathToFileURL(path).href);
      // A ratio chart, bars and percentiles for three cases, one load curve.
      expect(await drawnCanvases(page)).toEqual(new Array<boolean>(8).fill(true));
      expect(await overflowOf(page)).toBe(0);
      expect(complaints).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'follows the reader from light to dark',
    async () => {
      const path = join(tempDirectory(), 'page.html');
      writeFileSync(path, makePage(everything));
      await using browser = await open(executable);
      const page = await browser.newPage(WIDE);
      await page.goto(pathToFileURL(path).href);
      const light = await backgroundOf(page);
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await backgroundOf(page)).not.toBe(light);
      expect(await drawnCanvases(page)).toEqual(new Array<boolean>(8).fill(true));
    },
    TIMEOUT_MS,
  );
});

type Browser = Awaited<ReturnType<typeof chromium.launch>>;

/** Where Debian, Ubuntu, Fedora and Alpine put it, or where somebody says that it is. */
function findChromium(): string | null {
  const named = process.env['CHROMIUM_PATH'];
  const folders = ['/usr/bin', '/usr/local/bin', '/snap/bin'];
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const candidates = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return (named === undefined ? candidates : [named]).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there: the next one may be.
    return false;
  }
}

/** Root has no sandbox of its own to give to Chromium; what is opened is ours. */
async function open(executablePath: string): Promise<Browser> {
  return await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** In the browser: whether any pixel of each canvas is not transparent. */
async function drawnCanvases(page: Page): Promise<unknown> {
  return await page.evaluate(`[...document.querySelectorAll('canvas')].map((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((byte) => byte !== 0);
  })`);
}

/** By how many pixels the page is wider than the window. */
async function overflowOf(page: Page): Promise<unknown> {
  return await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
}

async function backgroundOf(page: Page): Promise<unknown> {
  return await page.evaluate('getComputedStyle(document.body).backgroundColor');
}

function foreign(url: string): string[] {
  return url.startsWith('file:') ? [] : [`${url} was requested`];
}
