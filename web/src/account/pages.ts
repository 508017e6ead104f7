/** Lists of the account that are short enough to be loaded as a whole. */

interface Page<Node> {
  nodes: Node[];
  pageInfo: { hasNextPage: boolean; endCursor?: string | null };
}

/** All nodes of a list, page by page. */
export async function allOf<Node>(load: (after: string | null) => Promise<Page<Node> | undefined>): Promise<Node[]> {
  const nodes: Node[] = [];
  let after: string | null = null;
  for (;;) {
    const page: Page<Node> | undefined = await load(after);
    nodes.push(...(page?.nodes ?? []));
    if (!page?.pageInfo.hasNextPage) return nodes;
    after = page.pageInfo.endCursor ?? null;
  }
}
