//! Here is the people's door: pages, sessions, their forms and the assets they load.
