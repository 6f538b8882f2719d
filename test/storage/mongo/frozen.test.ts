import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { type Connection, connect } from '../../../src/storage/mongo/connection.ts';
import { freezableStore, settle } from '../../../src/storage/mongo/frozen.ts';
import { storeMoves } from '../../../src/storage/moves.ts';
import { describeMongo, type FreshDatabase, preparedDatabase } from '../../support/mongo.ts';
import { contractTypes } from '../contract-types.ts';

describeMongo('settle', () => {
  let database: FreshDatabase;
  let connection: Connection;
  let sent: string[];

  beforeEach(async () => {
    database = await preparedDatabase([...contractTypes, storeMoves]);
    connection = await connect(database.url, { monitorCommands: true });
    sent = [];
    connection.client.on('commandStarted', ({ commandName }) => sent.push(commandName));
  });

  afterEach(async () => {
    await connection.client.close();
    await database.drop();
  });

  it('asks for no right to change collections where none of them refuses anything', async () => {
    await settle(freezableStore(connection.db), systemClock());

    expect(sent).not.toContain('collMod');
  });

  it('has those take writes that refuse them, and afterwards there is nothing left to do', async () => {
    const { db } = connection;
    await db.command({ collMod: 'lasting', validator: { k: 'nothing' }, validationLevel: 'strict' });
    sent = [];

    await settle(freezableStore(db), systemClock());
    expect(sent.filter((name) => name === 'collMod')).toHaveLength(1);
    await settle(freezableStore(db), systemClock());
    expect(sent.filter((name) => name === 'collMod')).toHaveLength(1);
  });
});
