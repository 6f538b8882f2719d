// `npm run bench:store [-- --quick | --long] [--records N[,N]] [--json FILE] [--only WORD]`: what the store's own
// operations cost, on a SQLite file and on the MongoDB of MONGODB_URI, if it is set. docs/performance.md says
// how to read it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { recordTypes } from '../src/records.ts';
import { openStore } from '../src/storage/open.ts';
import { type LoopFigures, measureLoop } from './store-loop.ts';
import { measureStores, type StoreFigures } from './store-measure.ts';
import { benchDatabase, countCommands } from './store-mongo.ts';
import { type Populated, type StoreOperation, storeOperations } from './store-operations.ts';
import { populate } from './store-population.ts';
import { commandsTable, loopTable, operationsTable, sizeTable, storeLegend } from './store-report.ts';
import { measureSize, type SizeFigures } from './store-size.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    records: { type: 'string' },
    json: { type: 'string' },
    only: { type: 'string' },
  },
});

const RECORDS = 100_000;
const RECORDS_MIN = 5_000;
/** `--long` measures two sizes in turns, so that growth is told from a neighbour's noise. */
const sizes =
  options.records !== undefined
    ? options.records.split(',').map(Number)
    : options.long
      ? [RECORDS, RECORDS * 10]
      : [options.quick ? RECORDS / 10 : RECORDS];
// Fewer would be asked for the same record twice in one slice.
if (!sizes.every((size) => size >= RECORDS_MIN)) throw new Error(`--records: ${RECORDS_MIN} or more`);
const IN_FLIGHT = [1, 64];
const budgetMs = options.quick ? 500 : options.long ? 15_000 : 6_000;
const loopSeconds = options.quick ? 2 : 20;

const chosen = storeOperations.filter(({ name }) => name.includes(options.only ?? ''));

const figures = { sqlite: await measureFiles(), ...(await measureMongo()) };
process.stdout.write(`${storeLegend}\n`);
if (options.json !== undefined) {
  const machine = { node: process.version, cores: availableParallelism() };
  const at = new Date().toISOString();
  writeFileSync(options.json, `${JSON.stringify({ at, machine, ...figures }, null, 2)}\n`);
}

async function measureFiles() {
  const directory = mkdtempSync(join(tmpdir(), 'strata-bench-store-'));
  try {
    const sizeFigures: SizeFigures[] = [];
    const places: Populated[] = [];
    for (const records of sizes) {
      const { place, size } = await filledFile(directory, records);
      sizeFigures.push(size);
      places.push(place);
      process.stdout.write(`${sizeTable(size)}\n\n`);
    }
    const measured = await measurePlaces('SQLite, a file', places, chosen);
    for (const { store } of places) await store.close();
    return { sizes: sizeFigures, ...measured };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Nothing where there is no MONGODB_URI. */
async function measureMongo() {
  const { MONGODB_URI: uri } = process.env;
  if (!uri) return {};

  const database = await benchDatabase(uri);
  const server = `MongoDB ${database.version}${database.isStandIn ? ', a stand-in' : ''}`;
  try {
    const asked = chosen.filter(({ sqliteOnly }) => !sqliteOnly);
    const commands = await countCommands(database, asked);
    process.stdout.write(`${server}\n${commandsTable(commands)}\n\n`);
    if (database.isStandIn) {
      process.stdout.write(
        'Times of a stand-in would say nothing about MongoDB, so that none are taken.\n\n',
      );
      return { mongodb: { server, commands } };
    }
    const store = await openStore({ url: database.url, dataDir: '', types: recordTypes });
    const place = { store, population: await populate(store, sizes[0] ?? 0) };
    const measured = await measurePlaces(server, [place], asked);
    await store.close();
    return { mongodb: { server, commands, ...measured } };
  } finally {
    await database.drop();
  }
}

async function measurePlaces(what: string, places: readonly Populated[], asked: readonly StoreOperation[]) {
  const results = await measureAll(places, asked);
  process.stdout.write(`${what}\n${operationsTable(results)}\n\n`);
  const loops = await loopsOf(places);
  for (const { records, figures: loop } of loops) {
    process.stdout.write(`${what}: event loop at ${records} records\n${loopTable(loop)}\n\n`);
  }
  return { results, loops };
}

/** Filled, closed (which leaves all in the one file), weighed, and opened again. */
async function filledFile(
  directory: string,
  records: number,
): Promise<{ place: Populated; size: SizeFigures }> {
  const name = `${records}.db`;
  const address = { url: `sqlite:${name}`, dataDir: directory, types: recordTypes };
  const loading = await openStore(address);
  const start = performance.now();
  const population = await populate(loading, records);
  await loading.close();
  process.stderr.write(
    `${records} records: loaded in ${((performance.now() - start) / 1000).toFixed(1)} s\n`,
  );

  const size = measureSize(join(directory, name), records);
  return { place: { store: await openStore(address), population }, size };
}

async function measureAll(
  places: readonly Populated[],
  asked: readonly StoreOperation[],
): Promise<StoreFigures[]> {
  const results: StoreFigures[] = [];
  for (const operation of asked) {
    for (const inFlight of operation.alone ? [1] : IN_FLIGHT) {
      results.push(await measureStores(operation, { places, inFlight, budgetMs }));
      process.stderr.write(`${operation.name}, ${inFlight} in flight: done\n`);
    }
  }
  return results;
}

async function loopsOf(places: readonly Populated[]): Promise<{ records: number; figures: LoopFigures[] }[]> {
  const loops: { records: number; figures: LoopFigures[] }[] = [];
  for (const place of places) {
    loops.push({ records: place.population.records, figures: await measureLoop(place, loopSeconds) });
  }
  return loops;
}
