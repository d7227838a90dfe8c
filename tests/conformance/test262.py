async def run(*a): raise NotImplementedError
