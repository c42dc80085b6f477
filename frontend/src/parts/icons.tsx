/** Our own signs, drawn on a grid of 20, decorative: what stands beside them says what they mean. */

import type { ReactNode } from "react";

function drawn(inside: ReactNode) {
  return function Icon({ size = 18 }: { size?: number }) {
    return (
      <svg width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.6"
        strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
        {inside}
      </svg>
    );
  };
}

export const ModelsIcon = drawn(<path d="M10 2.500 17 6v8l-7 3.500L3 14V6zM3 6l7 3.500L17 6M10 9.500v8" />);
export const BoardIcon = drawn(<path d="M3 3.500h3.500v13H3zM8.250 3.500h3.500v8h-3.500zM13.500 3.500H17v10.500h-3.500z" />);
export const CompareIcon = drawn(<path d="M10 2v16M6.500 6H2.500v8h4M13.500 6h4v8h-4" />);
export const InboxIcon = drawn(<path d="M3 11.500 5 4h10l2 7.500v4.500H3zM3 11.500h4l1 2h4l1-2h4" />);
export const AuditIcon = drawn(<path d="M5 2.500h7l3.500 3.500v11.500H5zM8 9.500h4.500M8 13h4.500" />);
export const LifecyclesIcon = drawn(<path d="M2.500 10a2 2 0 1 0 4 0 2 2 0 0 0-4 0M13.500 5a2 2 0 1 0 4 0 2 2 0 0 0-4 0M13.500 15a2 2 0 1 0 4 0 2 2 0 0 0-4 0M6.300 9.200l7.200-3.400M6.300 10.800l7.200 3.400" />);
export const SettingsIcon = drawn(<path d="M3 6h8M15 6h2M3 14h2M9 14h8M11 6a2 2 0 1 0 4 0 2 2 0 0 0-4 0M5 14a2 2 0 1 0 4 0 2 2 0 0 0-4 0" />);
export const SearchIcon = drawn(<path d="M8.500 14a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11M12.700 12.700 17 17" />);
export const SunIcon = drawn(<path d="M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7M10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.300 4.300l1.100 1.100M14.600 14.600l1.100 1.100M15.700 4.300l-1.100 1.100M5.400 14.600l-1.100 1.100" />);
export const MoonIcon = drawn(<path d="M16.500 12A7 7 0 0 1 8 3.500a7 7 0 1 0 8.500 8.500" />);
export const PersonIcon = drawn(<path d="M10 10a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7M3.500 17.500c.5-3.500 3-5 6.500-5s6 1.500 6.500 5" />);
export const CopyIcon = drawn(<path d="M7 7h9.500v9.500H7zM4 13H3.500V3.500H13V4" />);
export const CheckIcon = drawn(<path d="m4 10.500 4 4 8-9" />);
export const FlagIcon = drawn(<path d="M5 17.500v-15h10l-2.500 3.500L15 9.500H5" />);
export const BookIcon = drawn(<path d="M10 5C8 3.500 5.500 3 3 3v12c2.500 0 5 .5 7 2 2-1.500 4.500-2 7-2V3c-2.500 0-5 .5-7 2m0 0v12" />);
export const ChevronIcon = drawn(<path d="m5 8 5 5 5-5" />);
export const EmptyIcon = drawn(<path d="M2 15c2 0 2-1.200 4-1.200S8 15 10 15s2-1.200 4-1.200 2 1.200 4 1.200M4 4l6 4 6-4M4 8.500l6 4 6-4" />);
export const CrossIcon = drawn(<path d="m5 5 10 10M15 5 5 15" />);
export const HourglassIcon = drawn(<path d="M5 3h10M5 17h10M6 3c0 4 4 5 4 7s-4 3-4 7M14 3c0 4-4 5-4 7s4 3 4 7" />);
export const GripIcon = drawn(<path d="M7 5h.01M13 5h.01M7 10h.01M13 10h.01M7 15h.01M13 15h.01" strokeWidth="2.600" />);
export const MoveIcon = drawn(<path d="M3 10h13M11 5l5 5-5 5" />);
export const DownloadIcon = drawn(<path d="M10 3v10M5.500 9 10 13.500 14.500 9M3.500 17h13" />);
