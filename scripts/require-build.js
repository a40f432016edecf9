// Runs before `npm start`: without a build there is nothing to start, and the reader should learn how to get one.
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../dist/cli/main.js', import.meta.url))) {
  process.stderr.write('slipstream is not built yet; run: npm ci && npm run build\n');
  process.exit(1);
}
