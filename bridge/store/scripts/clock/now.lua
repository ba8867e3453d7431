-- Return the current time in ms.
return clock()
