//! Stories: what users and their tools can rely on, told over real sockets.
