-- What time is it on the one clock?
return clock()
