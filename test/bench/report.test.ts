import { describe, expect, it } from 'vitest';
import {
  judge,
  renderDisturbance,
  renderFromRedis,
  renderTables,
  renderTargets,
  summarize,
} from '../../bench/report.ts';
import type { Measurement } from '../../bench/rounds.ts';
import { type Scenario, scenarios, selectScenarios, targets } from '../../bench/scenario.ts';

const scenario: Scenario = {
  name: 'get-item',
  title: 'GetItem',
  workload: 'get-item',
  subjects: [{ name: 'cached', title: 'cached GetItem', system: 'slipstream', keys: 10 }],
  references: [
    { name: 'node-http', title: 'bare node:http', system: 'node-http', keys: 10 },
    { name: 'sockets', title: 'bare sockets', system: 'sockets', keys: 10 },
  ],
  connections: [16],
};

describe('summarize', () => {
  it('takes ratios within a round and their median over the rounds', () => {
    const rows = summarize(
      scenario,
      [64],
      [...round(0, 100, 100), ...round(1, 30, 10), ...round(2, 100, 50)],
    );
    expect(rows.map(({ row }) => row)).toEqual(['cached', 'node-http', 'sockets']);
    expect(rows[0]?.requestsPerSecond).toEqual({ median: 100, min: 30, max: 100 });
    expect(Object.keys(rows[0]?.ratios ?? {})).toEqual(['node-http']);
    expect(rows[0]?.ratios['node-http']?.requestsPerSecond).toEqual({ median: 2, min: 1, max: 3 });
  });

  it('keeps numbers of connections apart, in the order asked for', () => {
    const rows = summarize(scenario, [64, 1], [...round(0, 80, 40, 1), ...round(0, 90, 30, 64)]);
    expect(rows.map(({ row, connections }) => `${row} ${connections}`)).toEqual([
      'cached 64',
      'node-http 64',
      'sockets 64',
      'cached 1',
      'node-http 1',
      'sockets 1',
    ]);
    expect(rows[3]?.ratios['node-http']?.requestsPerSecond.median).toBe(2);
  });

  it('shows the numbers of connections of the scenario where none are asked for', () => {
    const rows = summarize(scenario, undefined, [...round(0, 80, 40, 1), ...round(0, 90, 30, 16)]);
    expect(new Set(rows.map(({ connections }) => connections))).toEqual(new Set([16]));
  });

  it('leaves the busy processors out where they are unknown', () => {
    const [row] = summarize(scenario, [64], round(0, 1, 1));
    expect(row?.serverCores).toBeUndefined();
  });
});

describe('judge', () => {
  const place = { subject: 'cached', reference: 'node-http', connections: 64 } as const;
  const target = { ...place, measure: 'requestsPerSecond', ratio: 0.75 } as const;

  it.each([
    [75, 'reached'],
    [74, 'missed'],
  ])('finds %i of 100 %s', (rate, verdict) => {
    const [result] = judge([target], summarize(scenario, [64], round(0, rate, 100)));
    expect(result?.verdict).toBe(verdict);
  });

  it.each([
    [650, 'reached'],
    [651, 'missed'],
  ])('finds a p99 of %i us against 500 %s where it may be 1.3 times as long', (p99, verdict) => {
    const measurements = round(0, 100, 100).map((m) => ({
      ...m,
      latencyUs: { ...m.latencyUs, p99: m.row === 'cached' ? p99 : 500 },
    }));
    const latency = { ...place, measure: 'p99', ratio: 1.3 } as const;
    const [result] = judge([latency], summarize(scenario, [64], measurements));
    expect(result?.verdict).toBe(verdict);
  });

  it('does not judge what was not measured', () => {
    const [result] = judge([target], summarize(scenario, [16], round(0, 100, 100, 16)));
    expect(result?.verdict).toBe('not measured');
  });
});

describe('rendering', () => {
  it('shows a table with rates, latencies, ratios and what limits a row', () => {
    const measurements = round(0, 61_234.4, 50_000).map((m) => ({
      ...m,
      serverCpuUs: 16.04,
      serverCores: 1,
      loadCores: 0.5,
    }));
    const text = renderTables(summarize(scenario, [64], measurements));
    const [title, header, cached] = text.split('\n');
    expect(title).toBe('GetItem, 64 connections');
    expect(header).toMatch(/requests\/s +\(min\.\.max\) +item MB\/s +p50 us +p90 +p99 +p99\.9 +x node-http/);
    expect(cached).toMatch(
      /^ {2}cached GetItem +61,234 +61,234\.\.61,234 +36\.7 +500 +900 .* 1\.22 \(1\.22\.\.1\.22\)/,
    );
    expect(cached).toMatch(/16\.0 +1\.00 +0\.50 +server$/);
    expect(
      new Set(
        text
          .split('\n')
          .slice(1)
          .map((line) => line.length),
      ).size,
    ).toBe(1);
  });

  it.each([
    ['warns where the bare server had no processor to itself', 0.6, 0.5, true],
    ['is silent where the server had one', 1, 0.5, false],
    ['is silent where the generator had one', 0.8, 0.99, false],
  ])('%s', (_, serverCores, loadCores, warns) => {
    const measurements = round(0, 100, 100).map((m) => ({ ...m, serverCores, loadCores }));
    expect(renderDisturbance(summarize(scenario, [64], measurements)) !== undefined).toBe(warns);
  });

  it('tells how much came from Redis, where that is used', () => {
    const measurements = round(0, 100, 100);
    expect(renderFromRedis(summarize(scenario, [64], measurements))).toBeUndefined();
    const fromRedis = measurements.map((m) => (m.row === 'cached' ? { ...m, fromRedis: 0.951 } : m));
    expect(renderFromRedis(summarize(scenario, [64], fromRedis))).toMatch(
      /\n {2}cached GetItem, 64 connections: 0\.95 \(0\.95\.\.0\.95\)$/,
    );
  });

  it('names each target with its verdict', () => {
    const [line] = renderTargets(judge(targets, [])).split('\n').slice(1);
    expect(line).toMatch(
      /cached-get-item, 64 connections +requests\/s at least 0\.75 x node-http +not measured$/,
    );
  });
});

describe('scenarios', () => {
  it('have a subject and a reference for every target', () => {
    for (const target of targets) {
      const holder = scenarios.find(({ subjects }) => subjects.some(({ name }) => name === target.subject));
      expect(holder?.references.map(({ name }) => name)).toContain(target.reference);
    }
  });

  it('are narrowed to one subject, which keeps its references', () => {
    const [only, ...others] = selectScenarios('uncached-get-item');
    expect(others).toEqual([]);
    expect(only?.subjects.map(({ name }) => name)).toEqual(['uncached-get-item']);
    expect(only?.references).toEqual(scenarios[0]?.references);
    expect(selectScenarios(undefined)).toEqual(scenarios);
  });

  it('are selected by their name, with all of its subjects', () => {
    const [only, ...others] = selectScenarios('query-100');
    expect(others).toEqual([]);
    expect(only?.subjects.map(({ name }) => name)).toEqual(['query-100', 'cached-query-100']);
  });
});

function round(number: number, cached: number, reference: number, connections = 64): Measurement[] {
  const rates = { cached, 'node-http': reference, sockets: 200_000 };
  return Object.entries(rates).map(([row, requestsPerSecond]) => ({
    scenario: 'get-item',
    row,
    connections,
    round: number,
    requestsPerSecond,
    itemMbPerSecond: (requestsPerSecond * 600) / 1e6,
    latencyUs: { p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 },
    serverCpuUs: undefined,
    serverCores: undefined,
    loadCores: undefined,
    pausesMs: undefined,
    fromRedis: undefined,
  }));
}
