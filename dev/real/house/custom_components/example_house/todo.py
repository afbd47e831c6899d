"""Shopping lists."""

from homeassistant.components.todo import TodoItem, TodoItemStatus, TodoListEntity, TodoListEntityFeature

from .entity import HouseEntity, setup_of


class HouseList(HouseEntity, TodoListEntity):
    """A list with one thing on it."""

    _attr_supported_features = TodoListEntityFeature.CREATE_TODO_ITEM

    def prepare(self):
        """Write the first item."""
        self._attr_todo_items = [TodoItem(summary="Medikamente abholen", uid="1", status=TodoItemStatus.NEEDS_ACTION)]

    async def async_create_todo_item(self, item):
        """Add an item."""
        item.uid = str(len(self._attr_todo_items) + 1)
        self.show(todo_items=[*self._attr_todo_items, item])


async_setup_entry = setup_of("todo", HouseList)
