// How many transactions this process holds open. Anybody may open one, so their number has a limit (I12);
// one that is full says when the oldest will be gone.

export interface OpenTransactions {
  /** Counts one more until a time; where there is no room, returns the milliseconds until there is. */
  admit(id: string, life: { until: number; now: number }): number | undefined;
  /** It is no longer pending: its place is free. */
  forget(id: string): void;
}

export function countOpenTransactions(openMax: number): OpenTransactions {
  // All live equally long, so the order of insertion is the order in which they lapse.
  const lapsesAt = new Map<string, number>();

  function admit(id: string, life: { until: number; now: number }): number | undefined {
    for (const [oldest, until] of lapsesAt) {
      if (until > life.now) break;
      lapsesAt.delete(oldest);
    }
    const [firstToLapse] = lapsesAt.values();
    if (firstToLapse !== undefined && lapsesAt.size >= openMax) return firstToLapse - life.now;

    lapsesAt.set(id, life.until);
    return undefined;
  }

  return { admit, forget: (id) => void lapsesAt.delete(id) };
}
