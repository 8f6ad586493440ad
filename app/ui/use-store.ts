/** React's view of the vanilla store. */
import { createContext, use } from 'react';
import { useStore as useZustand } from 'zustand/react';
import type { Session } from '../state/session';
import type { State } from '../state/types';

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error('No session: wrap the tree in <SessionContext value={session}>');
  return session;
}

export function useApp<T>(select: (state: State) => T): T {
  return useZustand(useSession().store, select);
}
