import { graphql } from "../generated";

export const SERVER = graphql(`
  query Server {
    server {
      version
      registration
      maxFileSize
    }
  }
`);
