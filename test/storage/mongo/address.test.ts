import { describe, expect, it } from 'vitest';
import { readAddress } from '../../../src/storage/mongo/address.ts';

function refusal(url: string): string | undefined {
  try {
    readAddress(url);
    return undefined;
  } catch (error) {
    return (error as { detail: string }).detail;
  }
}

describe('readAddress', () => {
  it.each([
    ['mongodb://127.0.0.1/strata', 'the MongoDB database strata at 127.0.0.1'],
    ['mongodb://a:27017,b:27018/strata?replicaSet=rs', 'the MongoDB database strata at a:27017,b:27018'],
    ['mongodb+srv://cluster.example/strata', 'the MongoDB database strata at cluster.example'],
    ['mongodb://[::1]:27017/strata', 'the MongoDB database strata at [::1]:27017'],
    ['mongodb://strata:s3cr3t@db/strata', 'the MongoDB database strata at db'],
    ['mongodb://strata:p%40ss%2Fw%3Fd@db/strata', 'the MongoDB database strata at db'],
    ['mongodb://strata:@db/strata', 'the MongoDB database strata at db'],
    ['mongodb://CN%3Dstrata@db/strata?authMechanism=MONGODB-X509', 'the MongoDB database strata at db'],
  ])('reads %s', (url, place) => {
    expect(readAddress(url)).toMatchObject({ url, database: 'strata', place });
  });

  it('knows which settings were given, however they are written', () => {
    const { given } = readAddress('mongodb://db/strata?maxPoolSize=50&SOCKETTIMEOUTMS=20000&tls=true');

    expect([...given]).toEqual(['maxpoolsize', 'sockettimeoutms', 'tls']);
  });

  it.each(['mongodb://db', 'mongodb://db/', 'mongodb://db/?tls=true', 'mongodb://db?tls=true'])(
    'wants a database in %s',
    (url) => {
      expect(refusal(url)).toBe('the MongoDB URL names no database: mongodb://SERVER/strata');
    },
  );

  it.each(['admin', 'local', 'config', 'Admin', 'a.b', 'a b', 'a%2Fb', '$x', 'x'.repeat(64)])(
    'does not take %s for the database',
    (name) => {
      expect(refusal(`mongodb://db/${name}`)).toBe(
        `"${name}" cannot be the database of the store: mongodb://SERVER/strata`,
      );
    },
  );

  it.each([
    ['w=1', 'w must be majority'],
    ['w=0', 'w must be majority'],
    ['W=2', 'W must be majority'],
    ['j=false', 'j must be true'],
    ['journal=false', 'journal must be true'],
    ['readPreference=secondary', 'readPreference must be primary'],
    ['readPreference=primaryPreferred', 'readPreference must be primary'],
    ['readConcernLevel=available', 'readConcernLevel must be local or majority'],
    ['retryWrites=false', 'retryWrites must be true'],
    ['w=majority&w=1', 'w must be majority'],
    ['maxPoolSize=0', 'maxPoolSize must be at least 5'],
    ['maxPoolSize=many', 'maxPoolSize must be at least 5'],
    ['waitQueueTimeoutMS=0', 'waitQueueTimeoutMS must be at least 1'],
    ['socketTimeoutMS=0', 'socketTimeoutMS must be at least 2000'],
    ['serverSelectionTimeoutMS=0', 'serverSelectionTimeoutMS must be at least 1'],
    ['connectTimeoutMS=0', 'connectTimeoutMS must be at least 1'],
    ['timeoutMS=500', 'timeoutMS cannot be set: the store has limits of its own'],
    ['w=1&retryWrites=false', 'w must be majority, and retryWrites must be true'],
  ])('refuses %s', (settings, words) => {
    expect(refusal(`mongodb://db/strata?${settings}`)).toBe(`in the MongoDB URL ${words}`);
  });

  it.each([
    'w=majority&journal=true',
    'retryWrites=true&readPreference=primary',
    'maxPoolSize=5',
    'appName=x%40y',
  ])('takes %s', (settings) => {
    expect(refusal(`mongodb://db/strata?${settings}`)).toBeUndefined();
  });

  it.each([
    'mongodb://strata:s3cr3t@x@db/strata',
    'mongodb://strata:s3cr3t/x@db/strata',
    'mongodb://strata:s3cr3t/strata?w@db/strata',
    'mongodb://strata:s3cr3t?x@db/strata',
    'mongodb://strata:s3cr3t#x@db/strata',
    'mongodb://strata:s3cr3t:x@db/strata',
    'mongodb://strata:s3cr3t[x@db/strata',
    'mongodb://:s3cr3t@db/strata',
    'mongodb://strata:s3cr3t@/strata',
    'mongodb://strata:s3cr3t@db/strata/s3cr3t',
    'mongodb://strata:s3cr3t@db/?w=1',
    'mongodb://strata:s3cr3t@db/strata?w=1',
    'mongodb:s3cr3t',
    'mongodb://',
  ])('quotes nothing secret of %s (I7)', (url) => {
    expect(refusal(url)).toEqual(expect.any(String));
    expect(refusal(url)).not.toContain('s3cr3t');
  });
});
