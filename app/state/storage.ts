/** A small key-value store over IndexedDB. Blobs are kept as they are. */

export interface Storage {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<void>;
}

const TABLE = 'kept';

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB failed')));
  });
}

export function indexedDbStorage(name: string): Storage {
  let database: Promise<IDBDatabase> | undefined;

  function open(): Promise<IDBDatabase> {
    if (database) return database;
    const request = indexedDB.open(name, 1);
    request.addEventListener('upgradeneeded', () => {
      request.result.createObjectStore(TABLE);
    });
    database = settled(request).then((db) => {
      // Another tab may want a newer version: let it, and open again when needed.
      db.addEventListener('versionchange', () => {
        db.close();
        database = undefined;
      });
      return db;
    });
    // A refusal (private window, no space) must not be remembered: the next call tries again.
    database.catch(() => {
      database = undefined;
    });
    return database;
  }

  async function table(mode: IDBTransactionMode): Promise<IDBObjectStore> {
    return (await open()).transaction(TABLE, mode).objectStore(TABLE);
  }

  return {
    async get(key) {
      return settled<unknown>((await table('readonly')).get(key));
    },
    async set(key, value) {
      await settled((await table('readwrite')).put(value, key));
    },
    async delete(key) {
      await settled((await table('readwrite')).delete(key));
    },
  };
}
