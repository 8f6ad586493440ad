/** Line icons on a 24 grid, drawn for this page; always beside words or an aria-label. */
import type { ReactNode } from 'react';

function Icon({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <svg className="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const CloseIcon = (): ReactNode => (
  <Icon>
    <path d="M6.5 6.5l11 11m0-11l-11 11" />
  </Icon>
);

export const DownloadIcon = (): ReactNode => (
  <Icon>
    <path d="M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 19.5h14" />
  </Icon>
);

export const CopyIcon = (): ReactNode => (
  <Icon>
    <rect x="8.5" y="8.5" width="11" height="11" rx="2.5" />
    <path d="M15.5 5.5v-.3A1.7 1.7 0 0 0 13.800 3.500H6.200A2.700 2.700 0 0 0 3.500 6.200v7.600a1.700 1.700 0 0 0 1.700 1.700h.3" />
  </Icon>
);

export const WarningIcon = (): ReactNode => (
  <Icon>
    <path d="M12 4.500 21 19.500H3zM12 10.500v4M12 17v.2" />
  </Icon>
);

export const PlusIcon = (): ReactNode => (
  <Icon>
    <path d="M12 5.500v13M5.500 12h13" />
  </Icon>
);

export const ChevronIcon = (): ReactNode => (
  <Icon>
    <path d="M9 6l6 6-6 6" />
  </Icon>
);

export const HandleIcon = (): ReactNode => (
  <Icon>
    <path d="M9.500 8 5.500 12l4 4M14.500 8l4 4-4 4" />
  </Icon>
);

/** The mark: the proportion sign ∷, whose last dot is the one we make. */
export const Mark = (): ReactNode => (
  <svg className="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
    <circle cx="9.500" cy="9.500" r="5" className="mark-before" />
    <circle cx="22.500" cy="9.500" r="5" className="mark-after" />
    <circle cx="9.500" cy="22.500" r="5" className="mark-before" />
    <rect x="16" y="16" width="13" height="13" rx="4.200" className="mark-after" />
  </svg>
);

/** The long arrow between a picture and its edit. */
export const BecomesArrow = (): ReactNode => (
  <svg
    className="becomes-arrow"
    viewBox="0 0 56 16"
    width="56"
    height="16"
    aria-hidden="true"
    focusable="false"
  >
    <path d="M2 8h50M45.500 2 52 8l-6.500 6" />
  </svg>
);
