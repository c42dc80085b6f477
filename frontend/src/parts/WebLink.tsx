/** A link that others gave: followed only where it leads to a web page. */

import { Anchor } from "@mantine/core";
import type { ReactNode } from "react";

export function WebLink({ url, children }: { url: string | null; children: ReactNode }) {
  if (url === null || !/^https?:\/\//i.test(url)) return <>{children}</>;
  return (
    <Anchor href={url} target="_blank" rel="noopener noreferrer" size="sm">
      {children}
    </Anchor>
  );
}
