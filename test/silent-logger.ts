import type { Logger } from '../protocol/logger.ts';

/** For parts whose log lines a test does not look at. */
export const silentLogger: Logger = { info: () => {}, warn: () => {}, error: () => {} };
