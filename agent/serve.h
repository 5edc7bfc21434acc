/* The frame loop of one connection, over the socket and the ring. */
#ifndef CLOISTER_AGENT_SERVE_H
#define CLOISTER_AGENT_SERVE_H

struct conn;

/* Serves until the client leaves or breaks the rules. */
void serve_connection(struct conn *c);

#endif
