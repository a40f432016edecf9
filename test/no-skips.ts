import type { Reporter, TestModule } from 'vitest/node';

/** Where nobody watches, a test that was skipped is a test that failed: nothing passes by not being run. */
export class NoSkips implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    if (skipped.length === 0) return;
    for (const test of skipped) process.stderr.write(`skipped: ${test.module.moduleId} > ${test.fullName}\n`);
    process.exitCode = 1;
  }
}
