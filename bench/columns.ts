import type { Spread } from './histogram.ts';

/** @param textColumns so many columns stand left-aligned, all after them right-aligned. */
export function alignColumns(lines: readonly (readonly string[])[], textColumns: number): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const align = (cell: string, column: number): string =>
    column < textColumns ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return lines.map((line) => `  ${line.map(align).join('  ')}`.trimEnd()).join('\n');
}

/** The median, and the smallest and the largest. */
export function withRange({ median, min, max }: Spread, render: (value: number) => string): string {
  return `${render(median)} (${render(min)}..${render(max)})`;
}
