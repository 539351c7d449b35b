// Package roster reads teams through the Bot Connector: who is in one, page by page,
// its details and its channels (protocol C). It needs no permission in Graph, only the
// bot in the team. It knows the answers' shapes; the calls, the token and the faults
// are package teams'.
package roster
