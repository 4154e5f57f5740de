// --- the page begins

read_address();
read_picks();
head();
tools();
viewer();
comparer();
show();
grid();
picks_bar();
addEventListener("hashchange", () => { read_address(); show(); picks_bar(); });
