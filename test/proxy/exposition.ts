type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** What one scrape gave. */
export class Exposition {
  readonly types: ReadonlyMap<string, string>;
  readonly all: readonly Sample[];

  constructor(types: ReadonlyMap<string, string>, all: readonly Sample[]) {
    this.types = types;
    this.all = all;
  }

  samples(name: string): Sample[] {
    return this.all.filter((sample) => sample.name === name);
  }

  /** Of the one sample that has exactly these labels. */
  value(name: string, labels: Labels): number | undefined {
    const wanted = sorted(labels);
    return this.samples(name).find((sample) => sorted(sample.labels) === wanted)?.value;
  }
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const commentLine = new RegExp(`^# (HELP|TYPE) (${metricName}) (.*)$`);
const sampleLine = new RegExp(`^(${metricName})(?:\\{(.*)\\})? (\\S+)$`);
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/gy;

/**
 * Reads Prometheus' text format, and holds it to its rules (prometheus.io, exposition formats): each metric has one HELP and
 * one TYPE ahead of its samples, which stand together; no two samples are the same; counters end with _total and
 * are not negative; buckets of a histogram are cumulative and end with +Inf, which is its count.
 * @throws Error with the line that breaks a rule
 */
export function readExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const samples: Sample[] = [];
  const finished = new Set<string>();
  let family = '';
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = commentLine.exec(line);
    const sample = comment === null ? readSample(line) : undefined;
    const name = comment?.[2] ?? familyOf(sample?.name ?? '', types);
    if (name !== family) {
      if (finished.has(name)) throw new Error(`not together with its metric: ${line}`);
      finished.add(family);
      family = name;
    }
    if (comment?.[1] === 'HELP') addOnce(helps, name, line);
    else if (comment !== null) types.set(name, typeOf(comment[3] ?? '', types.has(name), line));
    else if (sample !== undefined) samples.push(sample);
  }
  check(types, helps, samples);
  return new Exposition(types, samples);
}

function readSample(line: string): Sample {
  const match = sampleLine.exec(line);
  if (match === null) throw new Error(`no sample: ${line}`);
  const [, name = '', labels = '', value = ''] = match;
  const number = value === '+Inf' ? Infinity : value === 'Nan' || value === 'NaN' ? NaN : Number(value);
  if (Number.isNaN(number) && !/^nan$/i.test(value)) throw new Error(`no number: ${line}`);
  return { name, labels: readLabels(labels, line), value: number };
}

function readLabels(text: string, line: string): Labels {
  const labels = new Map<string, string>();
  let end = 0;
  for (const [whole, name = '', value = ''] of text.matchAll(label)) {
    if (labels.has(name)) throw new Error(`a label twice: ${line}`);
    labels.set(
      name,
      value.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped)),
    );
    end += whole.length;
  }
  if (end !== text.length) throw new Error(`malformed labels: ${line}`);
  return Object.fromEntries(labels);
}

function familyOf(sampleName: string, types: ReadonlyMap<string, string>): string {
  const base = sampleName.replace(/_(bucket|sum|count)$/, '');
  return types.get(base) === 'histogram' ? base : sampleName;
}

function addOnce(names: Set<string>, name: string, line: string): void {
  if (names.has(name)) throw new Error(`again: ${line}`);
  names.add(name);
}

function typeOf(type: string, isAgain: boolean, line: string): string {
  if (isAgain || !['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(type)) {
    throw new Error(`wrong or again: ${line}`);
  }
  return type;
}

function check(
  types: ReadonlyMap<string, string>,
  helps: ReadonlySet<string>,
  samples: readonly Sample[],
): void {
  const seen = new Set<string>();
  for (const { name, labels, value } of samples) {
    const family = familyOf(name, types);
    const type = types.get(family);
    if (type === undefined || !helps.has(family)) throw new Error(`without TYPE or HELP: ${name}`);
    const identity = `${name} ${sorted(labels)}`;
    if (seen.has(identity)) throw new Error(`the same sample twice: ${identity}`);
    seen.add(identity);
    if (type === 'counter' && !(name.endsWith('_total') && value >= 0))
      throw new Error(`no counter: ${name}`);
  }
  for (const [name, type] of types) if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = new Map<string, Sample[]>();
  for (const sample of samples.filter((one) => one.name === `${name}_bucket`)) {
    const { le: _le, ...labels } = sample.labels;
    const of = sorted(labels);
    series.set(of, [...(series.get(of) ?? []), sample]);
  }
  for (const [labels, buckets] of series) {
    const bounds = buckets.map(({ labels: { le } }) => (le === '+Inf' ? Infinity : Number(le)));
    const rises = buckets.every(
      ({ value }, i) =>
        i === 0 || (value >= (buckets[i - 1]?.value ?? 0) && (bounds[i] ?? 0) > (bounds[i - 1] ?? 0)),
    );
    if (!rises || bounds.at(-1) !== Infinity) throw new Error(`wrong buckets: ${name} ${labels}`);
    const count = samples.find((one) => one.name === `${name}_count` && sorted(one.labels) === labels);
    if (count?.value !== buckets.at(-1)?.value) throw new Error(`wrong count: ${name} ${labels}`);
  }
}

function sorted(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
