/** Markdown that somebody wrote: its HTML is text, its links lead only to the web. */

import { Typography } from "@mantine/core";
import ReactMarkdown from "react-markdown";
import rehypeSanitize from "rehype-sanitize";
import remarkGfm from "remark-gfm";

export default function Markdown({ children }: { children: string }) {
  return (
    <Typography style={{ overflowWrap: "anywhere" }}>
      <ReactMarkdown
        remarkPlugins={[remarkGfm]}
        rehypePlugins={[rehypeSanitize]}
        components={{
          // Another site's picture would tell it who reads the card, and the page's policy refuses it.
          img: ({ alt, src }) => <a href={typeof src === "string" ? src : undefined} rel="noreferrer nofollow" target="_blank">{alt || "picture"}</a>,
          a: ({ href, children: inside }) => <a href={href} rel="noreferrer nofollow" target="_blank">{inside}</a>,
          // The page has its own first heading.
          h1: ({ children: inside }) => <h2>{inside}</h2>,
        }}
      >
        {withoutFrontMatter(children)}
      </ReactMarkdown>
    </Typography>
  );
}

/** Model cards begin with a block of YAML, which is for machines. */
function withoutFrontMatter(text: string): string {
  return text.replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, "");
}
