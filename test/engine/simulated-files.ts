import { dirname } from 'node:path';
import type { FileEntry, Files, WritableFile, WriteMode } from '../../engine/files.ts';

/** Disks lose and keep whole sectors. */
const sectorBytes = 512;

export type Random = () => number;

/** Numbers in [0, 1), the same ones for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Faults {
  /** The machine stops at this operation, counted from 1. */
  stopAt?: number;
  /** The share of writes that find the disk full: nothing is written, or a part. */
  fullShare?: number;
  /** This sync (of a file, a directory, or within a durable write) fails, counted from 1. */
  failSyncAt?: number;
}

/**
 * A disk in memory that loses power. What the file system was told since the last sync is kept per sector, per file size and per
 * directory entry; on power loss each of them takes any of the states that it has had since then, on its own. Operations take
 * effect some ticks after their call, in an order that the seed decides.
 */
export class SimulatedDisk implements Files {
  /** Resolves when the machine has stopped; what was in flight then never settles. */
  readonly stopped: Promise<void>;
  faults: Faults;
  operations = 0;
  readonly #random: Random;
  readonly #names: Map<string, Cell<Inode | undefined>>;
  readonly #inFlight = new Set<() => void>();
  #isStopped = false;
  #syncs = 0;
  #tellStopped: () => void = () => {};

  constructor(random: Random, faults: Faults = {}, names = new Map<string, Cell<Inode | undefined>>()) {
    this.#random = random;
    this.faults = faults;
    this.#names = names;
    this.stopped = new Promise((resolve) => {
      this.#tellStopped = resolve;
    });
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The machine stops now. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const effect of shuffled([...this.#inFlight], this.#random)) {
      if (this.#random() < 0.7) effect();
    }
    this.#tellStopped();
  }

  /** The disk as the next process finds it after the process was killed: nothing is lost, nothing more is durable. */
  afterKill(faults: Faults = {}): SimulatedDisk {
    this.stop();
    return new SimulatedDisk(this.#random, faults, this.#names);
  }

  /** The disk as the next process finds it after power loss. */
  afterPowerLoss(faults: Faults = {}): SimulatedDisk {
    this.stop();
    const keepShare = [0, 1, 0.5, this.#random()][Math.floor(this.#random() * 4)] ?? 0;
    for (const name of this.#names.values()) {
      name.settle(this.#random, keepShare);
      name.now?.settle(this.#random, keepShare);
    }
    return new SimulatedDisk(this.#random, faults, this.#names);
  }

  /** The bytes of a file, or undefined. */
  contents(path: string): Buffer | undefined {
    return this.#names.get(path)?.now?.bytes();
  }

  /** Changes bytes behind everybody's back, durably. */
  damage(path: string, change: (bytes: Buffer) => Buffer): void {
    const bytes = this.contents(path);
    if (bytes === undefined) throw new Error(`${path} does not exist`);
    this.put(path, change(bytes));
  }

  /** A file that is durable from the start. */
  put(path: string, bytes: Buffer): void {
    const inode = new Inode();
    inode.write(bytes, 0);
    inode.sync();
    this.#names.set(path, new Cell<Inode | undefined>(inode));
  }

  /** Takes a file away, durably. */
  drop(path: string): void {
    this.#names.delete(path);
  }

  paths(): string[] {
    return [...this.#names].filter(([, { now }]) => now !== undefined).map(([path]) => path);
  }

  async makeDirectory(): Promise<void> {
    await this.#operation(() => {});
  }

  async list(directory: string): Promise<FileEntry[]> {
    await this.#operation(() => {});
    const inside = this.paths().filter((path) => dirname(path) === directory);
    return inside.map((path) => ({
      name: path.slice(directory.length + 1),
      bytes: this.#inode(path).size.now,
    }));
  }

  async create(path: string, mode: WriteMode): Promise<WritableFile> {
    this.#failIfFull();
    await this.#operation(() => this.#link(path));
    return this.#handle(this.#inode(path), mode);
  }

  async open(path: string, mode: WriteMode): Promise<WritableFile> {
    await this.#operation(() => {});
    return this.#handle(this.#inode(path), mode);
  }

  openForRead(path: string): Promise<WritableFile> {
    return this.open(path, 'buffered');
  }

  async remove(path: string): Promise<void> {
    await this.#operation(() => this.#names.get(path)?.set(undefined));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#operation(() => {
      const inode = this.#inode(from);
      const cell = this.#names.get(to) ?? new Cell<Inode | undefined>(undefined);
      this.#names.set(to, cell);
      cell.set(inode);
      this.#names.get(from)?.set(undefined);
    });
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#sync(() => {
      for (const [name, cell] of this.#names) {
        if (dirname(name) === path) cell.sync();
      }
    });
  }

  #link(path: string): void {
    const cell = this.#names.get(path) ?? new Cell<Inode | undefined>(undefined);
    if (cell.now !== undefined) throw failure('EEXIST', path);
    this.#names.set(path, cell);
    cell.set(new Inode());
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path)?.now;
    if (inode === undefined) throw failure('ENOENT', path);
    return inode;
  }

  #handle(inode: Inode, mode: WriteMode): WritableFile {
    const handle = { inode, reported: inode.failures };
    return {
      read: async (target, position) => {
        await this.#operation(() => {});
        return inode.bytes().copy(target, 0, position);
      },
      size: async () => {
        await this.#operation(() => {});
        return inode.size.now;
      },
      write: async (bytes, position) => {
        const room = this.#roomFor(bytes.length);
        await this.#operation(() => inode.write(bytes.subarray(0, room), position));
        if (mode === 'durable') await this.#sync(() => inode.syncRange(position, position + room), handle);
        return room;
      },
      sync: () => this.#sync(() => inode.sync(), handle),
      truncate: (bytes) => this.#operation(() => inode.truncate(bytes)),
      close: () => this.#operation(() => {}),
    };
  }

  /** An operation takes effect between its call and its end; when the machine stops meanwhile, maybe. */
  async #operation(effect: () => void): Promise<void> {
    this.operations++;
    if (this.operations === this.faults.stopAt) {
      this.#inFlight.add(effect);
      this.stop();
    }
    if (this.#isStopped) return never();
    this.#inFlight.add(effect);
    await this.#ticks();
    if (this.#isStopped) return never();
    this.#inFlight.delete(effect);
    effect();
    await this.#ticks();
    return this.#isStopped ? never() : undefined;
  }

  /** As Linux does it, a failure is told once to every open file of the inode, whichever sync met it. */
  async #sync(effect: () => void, handle?: Handle): Promise<void> {
    this.#syncs++;
    const failsNow = this.#syncs === this.faults.failSyncAt;
    await this.#operation(() => {
      if (failsNow) handle?.inode.forget(this.#random);
      else effect();
    });
    const isUnreported = handle !== undefined && handle.reported !== handle.inode.failures;
    if (isUnreported) handle.reported = handle.inode.failures;
    if (failsNow || isUnreported) throw failure('EIO', 'sync');
  }

  /** Mostly a few, now and then so many that later operations overtake. */
  async #ticks(): Promise<void> {
    const most = this.#random() < 0.1 ? 60 : 4;
    for (let ticks = Math.floor(this.#random() * most); ticks > 0; ticks--) await undefined;
  }

  #roomFor(bytes: number): number {
    if (this.#random() >= (this.faults.fullShare ?? 0)) return bytes;
    const room = Math.floor(this.#random() * bytes);
    if (this.#random() < 0.5 || room === 0) throw failure('ENOSPC', 'write');
    return room;
  }

  #failIfFull(): void {
    if (this.#random() < (this.faults.fullShare ?? 0) / 2) throw failure('ENOSPC', 'create');
  }
}

/** A state, and all the states since the durable one, that one included: power loss leaves any of them. */
class Cell<T> {
  #states: T[];
  /** After a failed sync the system holds the state for written: syncs pass over it until it is set anew. */
  #looksClean = false;

  constructor(durable: T) {
    this.#states = [durable];
  }

  get now(): T {
    return this.#states.at(-1) as T;
  }

  get durable(): T {
    return this.#states[0] as T;
  }

  set(state: T): void {
    this.#looksClean = false;
    this.#states.push(state);
  }

  sync(): void {
    if (!this.#looksClean) this.#states = [this.now];
  }

  /** A failed sync: the state is still seen, whether it is on the disk or not. */
  forget(random: Random): void {
    const isWritten = this.#states.length === 1 || random() < 0.5;
    this.#looksClean = !isWritten;
    this.#states = isWritten ? [this.now] : [this.durable, this.now];
  }

  settle(random: Random, keepShare: number): void {
    const isMixed = keepShare > 0 && keepShare < 1;
    let kept = keepShare === 1 ? this.#states.length - 1 : 0;
    if (isMixed && random() < keepShare) kept = Math.floor(random() * this.#states.length);
    this.#states = [this.#states[kept] as T];
    this.#looksClean = false;
  }
}

/** An open file, and how many of its inode's failures it was told. */
interface Handle {
  readonly inode: Inode;
  reported: number;
}

class Inode {
  readonly size = new Cell(0);
  failures = 0;
  readonly #sectors: Cell<Buffer>[] = [];

  bytes(): Buffer {
    const size = this.size.now;
    const sectors = Array.from({ length: Math.ceil(size / sectorBytes) }, (_, i) => this.#sector(i).now);
    return Buffer.concat(sectors).subarray(0, size);
  }

  write(bytes: Buffer, position: number): void {
    if (bytes.length === 0) return;
    for (let done = 0; done < bytes.length; ) {
      const at = position + done;
      const within = at % sectorBytes;
      const part = bytes.subarray(done, done + sectorBytes - within);
      this.#change(Math.floor(at / sectorBytes), (sector) => part.copy(sector, within));
      done += part.length;
    }
    const end = position + bytes.length;
    if (end > this.size.now) this.size.set(end);
  }

  truncate(bytes: number): void {
    const first = Math.floor(bytes / sectorBytes);
    for (let i = first; i < this.#sectors.length; i++) {
      this.#change(i, (sector) => sector.fill(0, i === first ? bytes % sectorBytes : 0));
    }
    if (bytes !== this.size.now) this.size.set(bytes);
  }

  sync(): void {
    this.size.sync();
    for (const sector of this.#sectors) sector.sync();
  }

  syncRange(from: number, to: number): void {
    this.size.sync();
    for (let i = Math.floor(from / sectorBytes); i < Math.ceil(to / sectorBytes); i++) this.#sector(i).sync();
  }

  forget(random: Random): void {
    this.failures++;
    for (const cell of this.#sectors) cell.forget(random);
  }

  settle(random: Random, keepShare: number): void {
    this.size.settle(random, keepShare);
    for (const sector of this.#sectors) sector.settle(random, keepShare);
    this.truncate(this.size.now);
    this.sync();
  }

  #sector(i: number): Cell<Buffer> {
    while (this.#sectors.length <= i) this.#sectors.push(new Cell(Buffer.alloc(sectorBytes)));
    return this.#sectors[i] as Cell<Buffer>;
  }

  #change(i: number, change: (sector: Buffer) => void): void {
    const sector = this.#sector(i);
    const changed = Buffer.from(sector.now);
    change(changed);
    sector.set(changed);
  }
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}

function shuffled<T>(values: T[], random: Random): T[] {
  return values
    .map((value) => ({ value, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}
