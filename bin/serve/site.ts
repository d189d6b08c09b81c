/**
 * Site: a folder and the answers to requests for what is in it. It opens files and lists folders;
 * it knows nothing of connections, and sends nothing.
 */

import { constants } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { File } from '../../src/io/index.ts';
import type { FileStats } from '../../src/io/index.ts';
import { errorAnswer, headForFile, redirectAnswer, textAnswer } from './answer.ts';
import type { Answer, RequestHead } from './answer.ts';
import { statusOf } from './failures.ts';
import { renderListing } from './listing.ts';
import { formatFolderPath, parseRequestPath } from './request-path.ts';
import type { RequestPath } from './request-path.ts';

/** Where a site gets what does not come from its folder. */
export interface SiteOptions {
  /** What `/-/metrics` shows. */
  metrics(): object | Promise<object>;
  /** Hears of failures that are not the client's. */
  onFailure(error: unknown, what: string): void;
}

/** An open file or folder; whoever gets it closes it. */
interface Opened {
  readonly file: File;
  readonly stats: FileStats;
}

/**
 * Opening a FIFO or a device can wait for ever: with O_NONBLOCK it does not, and what was opened is
 * looked at before it is read. Reads of regular files do not care about the flag.
 */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

const indexName = 'index.html';
const metricsPath = '/-/metrics';
const html = 'text/html; charset=utf-8';

/** Answers requests from one folder. */
export class Site {
  readonly #path: string;
  readonly #root: File;
  readonly #options: SiteOptions;

  private constructor(path: string, root: File, options: SiteOptions) {
    this.#path = path;
    this.#root = root;
    this.#options = options;
  }

  /**
   * Opens a folder.
   *
   * @throws `ENOENT`, `ENOTDIR`, `EACCES` and what else open(2) names.
   */
  static async open(folder: string, options: SiteOptions): Promise<Site> {
    const path = resolve(folder);
    const root = await File.open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    return new Site(path, root, options);
  }

  /** Answers a request; never fails. Whoever gets a file closes it. */
  async answer(request: RequestHead): Promise<Answer> {
    const { method, target } = request;
    if (method !== 'GET' && method !== 'HEAD') return errorAnswer(405, { Allow: 'GET, HEAD' });
    const path = parseRequestPath(target);
    if (path === null) return errorAnswer(400);
    try {
      if (`/${path.names.join('/')}` === metricsPath && !path.isFolder)
        return await this.#metrics();
      return await this.#answerFromFolder(request, path);
    } catch (error) {
      const status = statusOf(error);
      if (status >= 500) this.#options.onFailure(error, `${method} ${target}`);
      return errorAnswer(status);
    }
  }

  /** Closes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root.close();
  }

  async #metrics(): Promise<Answer> {
    const text = `${JSON.stringify(await this.#options.metrics(), null, 2)}\n`;
    return textAnswer(200, 'application/json', text, { 'Cache-Control': 'no-store' });
  }

  async #answerFromFolder(request: RequestHead, path: RequestPath): Promise<Answer> {
    const { names, isFolder, query } = path;
    const opened = await this.#open(names);
    if (!opened.stats.isDirectory()) {
      return await this.#answerWithFile(request, names.at(-1) ?? '', opened, isFolder);
    }
    try {
      if (!isFolder) return redirectAnswer(formatFolderPath(names) + query);
      const index = await this.#openIndex(names);
      if (index === null) return await this.#answerWithListing(names, opened);
      return await this.#answerWithFile(request, indexName, index, false);
    } finally {
      await opened.file.close();
    }
  }

  /** Opens what names lead to, whatever it is; a way out of the folder fails with `EXDEV`. */
  async #open(names: readonly string[]): Promise<Opened> {
    const path = names.length === 0 ? '.' : names.join('/');
    const file = await File.openBeneath(this.#root, path, openFlags);
    try {
      return { file, stats: await file.stat() };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #openIndex(names: readonly string[]): Promise<Opened | null> {
    try {
      const index = await this.#open([...names, indexName]);
      if (!index.stats.isDirectory()) return index;
      await index.file.close();
      return null;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  async #answerWithListing(names: readonly string[], { file }: Opened): Promise<Answer> {
    // Through the descriptor, so that it is the folder that was opened beneath the root.
    const isLinux = process.platform === 'linux';
    const place = isLinux ? `/proc/self/fd/${file.fd}` : join(this.#path, ...names);
    const entries = await readdir(place, { withFileTypes: true });
    return textAnswer(200, html, renderListing(names, entries));
  }

  /** Answers with a file, which from here on is closed by this or by whoever sends the answer. */
  async #answerWithFile(
    request: RequestHead,
    name: string,
    { file, stats }: Opened,
    isFolder: boolean,
  ): Promise<Answer> {
    // Devices, FIFOs and sockets are nothing to hand out.
    if (isFolder || !stats.isFile()) {
      await file.close();
      return errorAnswer(isFolder ? 404 : 403);
    }
    const { status, headers, range } = headForFile(request, name, stats, Date.now());
    if (range === null) await file.close();
    return { status, headers, body: range === null ? null : { file, ...range } };
  }
}
